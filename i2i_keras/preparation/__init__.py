"""From raw trees to records: found, checked, brought to the working size."""
