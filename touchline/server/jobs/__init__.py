"""Jobs: their queue, their types, and the processes that do them."""
