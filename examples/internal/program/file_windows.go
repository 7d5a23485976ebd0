package program

import (
	"errors"
	"io/fs"
	"os"
	"syscall"
)

// shared reports whether a file has several names.
func shared(fs.FileInfo) bool { return false }

// keepOwner does nothing: a new file has the owner of the process.
func keepOwner(fs.FileInfo, *os.File) error { return nil }

const (
	fileFlagDeleteOnClose = 0x04000000
	errorSharingViolation = syscall.Errno(32)
)

// Lock locks a file or a folder, which need not exist, until unlock is called or the
// process ends. If another process has the lock, it returns an error at once. The lock is
// a hidden file beside it.
func Lock(path string) (unlock func(), err error) {
	path = Resolve(path)
	name, err := syscall.UTF16PtrFromString(lockPath(path))
	if err != nil {
		return nil, err
	}
	// No other process can open the file, and it goes with the process.
	file, err := syscall.CreateFile(name, syscall.GENERIC_WRITE, 0, nil, syscall.OPEN_ALWAYS,
		syscall.FILE_ATTRIBUTE_HIDDEN|fileFlagDeleteOnClose, 0)
	switch {
	case errors.Is(err, errorSharingViolation):
		return nil, errLocked{path}
	case err != nil:
		return func() {}, nil // the folder is read-only
	}
	return func() { _ = syscall.CloseHandle(file) }, nil
}
