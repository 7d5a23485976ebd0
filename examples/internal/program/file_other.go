//go:build !(darwin || dragonfly || freebsd || linux || netbsd || openbsd || windows)

package program

import (
	"io/fs"
	"os"
)

// shared reports whether a file has several names.
func shared(fs.FileInfo) bool { return false }

// keepOwner does nothing.
func keepOwner(fs.FileInfo, *os.File) error { return nil }

// Lock does nothing on this system.
func Lock(string) (unlock func(), err error) { return func() {}, nil }
