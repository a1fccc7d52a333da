"""What the answers weigh: plain rows of numbers. Never meets a model."""
