package program

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// File is an output file that changes as a whole: what is written becomes its content
// with [File.Commit]. Until then, a file that exists is unchanged, also if the process is
// killed.
type File struct {
	io.Writer
	path   string
	direct *os.File // the file if it is written directly, and not a standard stream
	temp   *os.File // what is written, nil if it is written directly
	final  *os.File // the file to overwrite, nil to replace it
	unlock func()
}

// Create opens a file for output and locks it, so that another process that uses Create
// or [Lock] for it fails. Symbolic links are followed, also to a file that does not
// exist. Create returns early if ctx is canceled while a FIFO has no reader.
//
// Commit replaces the file where that loses nothing. It overwrites the file in place if
// that is a mount point, has several links, or has an owner that the new file cannot
// have. Devices, FIFOs and open files of the process (/dev/stdout) are written directly.
func (p *Program) Create(ctx context.Context, path string) (file *File, err error) {
	target, descriptor := follow(path)
	switch descriptor {
	case 1:
		return &File{Writer: p.Stdout, unlock: func() {}}, nil
	case 2:
		return &File{Writer: p.Stderr, unlock: func() {}}, nil
	}
	if descriptor >= 0 {
		// Opening the path would not append to a file to which the shell appends.
		opened := os.NewFile(uintptr(descriptor), path)
		if _, err := opened.Stat(); err != nil {
			return nil, err
		}
		return &File{Writer: opened, direct: opened, unlock: func() {}}, nil
	}
	if info, err := os.Stat(target); err == nil && !info.Mode().IsRegular() {
		return createDirect(ctx, target)
	}
	unlock, err := Lock(target)
	if err != nil {
		return nil, err
	}
	return create(target, unlock)
}

// create opens a regular file, which need not exist.
func create(target string, unlock func()) (_ *File, err error) {
	f := &File{path: target, unlock: unlock}
	info, err := os.Stat(target)
	exists := err == nil
	defer func() {
		if err != nil {
			_ = f.Discard()
		}
	}()
	if exists {
		// Also fails now rather than later if the file must not be written.
		if f.final, err = os.OpenFile(target, os.O_WRONLY, 0); err != nil { //nolint:gosec // the file that the user names
			return nil, err
		}
	}
	f.temp, err = os.CreateTemp(filepath.Dir(target), "."+filepath.Base(target)+".*")
	switch {
	case err == nil && exists && replaceable(info, f.temp):
		err = f.final.Close()
		f.final = nil
	case err != nil && exists: // the folder is read-only
		f.temp, err = os.CreateTemp("", "")
	}
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: target, Err: cmp.Or(errors.Unwrap(err), err)}
	}
	f.Writer = f.temp
	return f, nil
}

// createDirect opens a file that is not a regular file.
func createDirect(ctx context.Context, path string) (*File, error) {
	type result struct {
		file *os.File
		err  error
	}
	done := make(chan result, 1)
	go func() { // opening cannot be canceled; it ends with the process
		opened, err := os.OpenFile(path, os.O_WRONLY, 0) //nolint:gosec // the file that the user names
		done <- result{opened, err}
	}()
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case r := <-done:
		if r.err != nil {
			return nil, r.err
		}
		// A FIFO may be full.
		stop := context.AfterFunc(ctx, func() { _ = r.file.SetWriteDeadline(time.Unix(1, 0)) })
		return &File{Writer: r.file, direct: r.file, unlock: func() { stop() }}, nil
	}
}

// replaceable gives the temporary file the mode and the owner of the file that it is to
// replace, and reports whether that worked and nothing else would be lost.
func replaceable(info fs.FileInfo, temp *os.File) bool {
	return !shared(info) && keepOwner(info, temp) == nil && temp.Chmod(info.Mode()) == nil
}

// Commit makes what was written the content of the file, and closes it.
func (f *File) Commit() error {
	defer f.unlock()
	if f.temp == nil {
		return f.closeDirect()
	}
	err := f.temp.Sync()
	if err == nil && f.final == nil {
		if err = os.Rename(f.temp.Name(), f.path); err == nil {
			return f.temp.Close()
		}
		// A mount point cannot be replaced.
		if final, openErr := os.OpenFile(f.path, os.O_WRONLY, 0); openErr == nil {
			f.final, err = final, nil
		}
	}
	if err == nil {
		err = f.overwrite()
	}
	return errors.Join(err, f.remove())
}

// overwrite copies the temporary file over the final one.
func (f *File) overwrite() error {
	if _, err := f.temp.Seek(0, io.SeekStart); err != nil {
		return err
	}
	size, err := io.Copy(f.final, f.temp)
	if err == nil {
		err = f.final.Truncate(size)
	}
	if err == nil {
		err = f.final.Sync()
	}
	if err != nil {
		return fmt.Errorf("%s was overwritten in part: %w", f.path, err)
	}
	return nil
}

// Discard leaves the file unchanged unless it is written directly, and closes it.
func (f *File) Discard() error {
	defer f.unlock()
	if f.temp == nil && f.direct != nil {
		return f.closeDirect()
	}
	return f.remove()
}

// Direct reports whether writes change the file before [File.Commit].
func (f *File) Direct() bool { return f.temp == nil }

func (f *File) closeDirect() error {
	if f.direct == nil {
		return nil
	}
	return f.direct.Close()
}

// remove closes the files and removes the temporary one.
func (f *File) remove() error {
	var err error
	if f.final != nil {
		err = f.final.Close()
	}
	if f.temp != nil {
		err = errors.Join(err, f.temp.Close(), os.Remove(f.temp.Name()))
	}
	return err
}

// WriteFile writes a regular file as [Program.Create] does, but does not lock it.
func WriteFile(path string, data []byte) error {
	f, err := create(Resolve(path), func() {})
	if err != nil {
		return err
	}
	if _, err := f.Write(data); err != nil {
		return errors.Join(err, f.Discard())
	}
	return f.Commit()
}

// IsRegular reports whether a path names a regular file or none, and does not lead to an
// open file of the process, such as /dev/stdout.
func IsRegular(path string) bool {
	target, descriptor := follow(path)
	info, err := os.Stat(target)
	return descriptor < 0 && (err != nil || info.Mode().IsRegular())
}

// Resolve returns an absolute path without symbolic links. The file need not exist: a
// link to a file that does not exist is followed too.
func Resolve(path string) string {
	target, _ := follow(path)
	return target
}

// SameFile reports whether two paths name the same file, or would if it existed.
func SameFile(a, b string) bool {
	infoA, errA := os.Stat(a)
	infoB, errB := os.Stat(b)
	return Resolve(a) == Resolve(b) || errA == nil && errB == nil && os.SameFile(infoA, infoB)
}

// follow follows symbolic links. The descriptor is that of an open file of this process
// if the path leads to one, such as /dev/stdout, and otherwise -1.
func follow(path string) (target string, descriptor int) {
	if absolute, err := filepath.Abs(path); err == nil {
		path = absolute
	}
	for range 40 { // as many links as Linux follows
		if dir, err := filepath.EvalSymlinks(filepath.Dir(path)); err == nil {
			path = filepath.Join(dir, filepath.Base(path))
		}
		if number, err := strconv.Atoi(filepath.Base(path)); err == nil && isDescriptors(filepath.Dir(path)) {
			return path, number
		}
		link, err := os.Readlink(path)
		if err != nil {
			break
		}
		if !filepath.IsAbs(link) {
			link = filepath.Join(filepath.Dir(path), link)
		}
		path = link
	}
	return path, -1
}

// isDescriptors reports whether a folder has the open files of this process.
func isDescriptors(dir string) bool {
	return dir == "/dev/fd" || dir == "/proc/"+strconv.Itoa(os.Getpid())+"/fd"
}

// lockPath returns the path of the file that locks another one.
func lockPath(path string) string {
	return filepath.Join(filepath.Dir(path), "."+strings.TrimPrefix(filepath.Base(path), ".")+".lock")
}

// errLocked is returned for a file that another process has locked.
type errLocked struct{ path string }

func (e errLocked) Error() string { return e.path + " is in use by another process" }
