"""The HTTP service and its web page: takes any policies, a log and a catalogue, and knows no model and no surface."""
