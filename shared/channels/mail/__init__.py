"""Mail: `outbox.send` queues a message, the function `mailer` renders it (`templates`) and sends it through SES (`delivery`)."""
