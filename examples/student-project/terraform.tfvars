suffix      = "project7"
reservation = "b3f5c1de-8a5e-4b0c-9d4e-6f1a2c7e9183"
