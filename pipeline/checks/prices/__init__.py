"""What models on Bedrock cost, by AWS's price list, and how it gets into the file."""
