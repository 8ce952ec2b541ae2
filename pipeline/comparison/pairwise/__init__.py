"""Which of two runs' answers is better, as judges say: who is asked, and what comes of it."""
