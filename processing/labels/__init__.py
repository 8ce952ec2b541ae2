"""What people say of answers: read, and found again among the answers of an evaluation."""
