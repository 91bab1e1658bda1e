"""What networks are made of, where several of them use it, or where it can be told apart."""
