"""What runs on the user's machine: builds, checks and launches the SageMaker pipeline."""
