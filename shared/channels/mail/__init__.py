"""Mail: `outbox.send` queues a message, the function `mailer` renders it (`templates`) and sends it through SES (`delivery`). What SES
says of it later (`feedback`) decides which addresses get no more mail (`addresses`)."""
