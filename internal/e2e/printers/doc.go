// Package printers tests that packages which print, compare and encode values by
// reflection show no secrets. It is a module of its own, so that users of the library do
// not depend on these packages.
package printers
