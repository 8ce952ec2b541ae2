"""One evaluation, from the first call to the verdict, by one instance or several."""
