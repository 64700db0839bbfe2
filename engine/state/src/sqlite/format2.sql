-- What an approval covers, by name, as JSON: so that a mismatch can name what differs.
ALTER TABLE scheduled ADD COLUMN inputs TEXT;

-- When an output ends with what it reads; NULL: it stays.
ALTER TABLE output ADD COLUMN until TEXT;
