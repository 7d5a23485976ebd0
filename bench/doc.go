// Package bench measures the SDK against the wire, against what users would
// write themselves, and against the client that ogen generates from the same
// document. See README.md.
package bench

// The generated client is compiled in by the build tag ogen. Git ignores it.
//go:generate go run ./ogen/prepare ../internal/contract/openapi.json ogen/document.json
//go:generate go tool ogen -config ogen/config.yml -package client -target ogen/client -clean ogen/document.json
