"""The demo judge: speaks Converse and InvokeModel, and judges by text overlap alone."""
