module verify

// The version also decides which of Go's older habits stay off: without it, negative serial numbers
// and weak RSA keys would pass as they did in Go 1.20.
go 1.27
