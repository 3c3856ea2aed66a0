"""Networks: the generators and their parts, tensors in and tensors out, without files."""
