// Package e2e tests the library as a whole through its public API: with hostile
// servers and network failures, for leaks and printed credentials, and against the
// documents of the repository.
package e2e
