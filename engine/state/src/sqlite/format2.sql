-- What an approval covers, by name, as JSON: so that a mismatch can name what differs.
ALTER TABLE scheduled ADD COLUMN inputs TEXT;
