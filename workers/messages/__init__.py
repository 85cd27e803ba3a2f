"""What comes by the broker, looked at before anybody obeys it."""
