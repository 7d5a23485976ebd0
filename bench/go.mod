// The measurements, in a module of their own so that nobody who imports the
// package sees them.
module github.com/apono-go/apono/bench

go 1.26

require github.com/apono-go/apono v0.0.0

require (
	github.com/google/go-querystring v1.2.0 // indirect
	github.com/hashicorp/go-cleanhttp v0.5.2 // indirect
	github.com/hashicorp/go-retryablehttp v0.7.8 // indirect
)

replace github.com/apono-go/apono => ..
