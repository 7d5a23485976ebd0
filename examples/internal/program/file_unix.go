//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package program

import (
	"errors"
	"io/fs"
	"os"
	"syscall"
)

// shared reports whether a file has several names.
func shared(info fs.FileInfo) bool {
	stat, ok := info.Sys().(*syscall.Stat_t)
	return ok && stat.Nlink > 1
}

// keepOwner gives a file the owner and the group of another one.
func keepOwner(info fs.FileInfo, file *os.File) error {
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return nil
	}
	return file.Chown(int(stat.Uid), int(stat.Gid))
}

// Lock locks a file or a folder, which need not exist, until unlock is called or the
// process ends. If another process has the lock, it returns an error at once. The lock is
// a hidden file beside it; where that cannot be created, the file itself is locked.
func Lock(path string) (unlock func(), err error) {
	path = Resolve(path)
	for {
		name := lockPath(path)
		file, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE|syscall.O_NOFOLLOW, 0o600) //nolint:gosec // the user chooses the file
		beside := err == nil
		if !beside {
			if file, err = os.Open(path); err != nil { //nolint:gosec // the file that the user names
				if errors.Is(err, fs.ErrNotExist) {
					return func() {}, nil // the caller cannot create it either
				}
				return nil, err
			}
		}
		if err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil { //nolint:gosec // a file descriptor fits in an int
			_ = file.Close()
			if errors.Is(err, syscall.EWOULDBLOCK) {
				return nil, errLocked{path}
			}
			return func() {}, nil // a file system without locks
		}
		if !beside {
			return func() { _ = file.Close() }, nil
		}
		// The process that had the lock before may have removed the file.
		opened, errOpened := file.Stat()
		named, errNamed := os.Stat(name)
		if errOpened == nil && errNamed == nil && os.SameFile(opened, named) {
			return func() { _ = os.Remove(name); _ = file.Close() }, nil
		}
		_ = file.Close()
	}
}
