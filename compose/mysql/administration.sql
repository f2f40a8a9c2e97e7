CREATE USER 'leaseproof'@'%' IDENTIFIED BY 'by-hand-only';
GRANT ALL PRIVILEGES ON *.* TO 'leaseproof'@'%' WITH GRANT OPTION;
DROP USER IF EXISTS 'root'@'localhost';
