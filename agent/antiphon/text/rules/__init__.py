"""What is written and how it is read, a file for each class of written words."""
