"""What runs leave to later ones of what they found out, and what is taken over of it."""
