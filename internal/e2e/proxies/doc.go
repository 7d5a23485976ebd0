// Package proxies tests the library behind real proxies: nginx and HAProxy,
// which stand between a client and a fake Apono and end its TLS, over HTTP/1.1
// and HTTP/2. The tests need both programs and the build tag "proxies":
//
//	go test -tags proxies ./internal/e2e/proxies
//
// They are about what a proxy does to a request that must not be carried out
// twice: a POST, and a read that uses up one-time credentials.
package proxies
