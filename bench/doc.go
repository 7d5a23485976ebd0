// Package bench compares the SDK with reading the network alone, with net/http and
// encoding/json, and with a client that ogen generates from the same document. See
// README.md.
package bench

// The generated client is compiled in by the build tag ogen. Git ignores it.
//go:generate go run ./ogen/prepare ../internal/contract/openapi.json ogen/document.json
//go:generate go tool ogen -config ogen/config.yml -package client -target ogen/client -clean ogen/document.json
