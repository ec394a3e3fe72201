module kylon.io/clients/checks

go 1.26.0
