"""What every slice stands on: ids, time, errors, events, money, paging, the access matrix."""
