// Package e2e tests the library as a whole through its public API: what servers
// and networks do to it, what it leaves behind, what it shows, and what the
// repository promises in its pages.
package e2e
