// The page is a table; it needs no more than what all pages share.
