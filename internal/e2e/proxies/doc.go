// Package proxies tests the library with real proxies, nginx and HAProxy, between a
// client and the fake server. The proxies terminate TLS, over HTTP/1.1 and HTTP/2. The
// tests need both programs and the build tag "proxies":
//
//	go test -tags proxies ./internal/e2e/proxies
//
// They test requests that must not be carried out twice: POST requests, and reads that
// use up one-time credentials. TestSoak is skipped without the flag -soak.
package proxies
