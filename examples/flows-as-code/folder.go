package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"regexp"
	"strings"
)

// folder holds the objects in files. Kinds without a folder have no entry.
type folder map[*kind][]*object

// readFolder reads all files and rejects a folder with an invalid one. It ignores
// names that begin with a dot, such as .git. It calls skipped for other files, or
// parts of files, that it does not read.
func readFolder(dir string, skipped func(name, why string)) (folder, error) {
	root, err := os.OpenRoot(dir) // does not follow links out of the folder
	if err != nil {
		return nil, err
	}
	defer func() { _ = root.Close() }()
	if _, err := root.Stat(unfinished); err == nil {
		return nil, fmt.Errorf("%s: the last export did not finish, so files may be missing: export again", dir)
	}
	files, err := readFiles(root, skipped)
	if err == nil && len(files) == 0 {
		err = fmt.Errorf("%s: it has none of the folders %s", dir, folders())
	}
	return files, err
}

func readFiles(root *os.Root, skipped func(name, why string)) (folder, error) {
	byFolder := map[string]*kind{}
	for _, k := range kinds {
		byFolder[k.folder] = k
	}
	files := folder{}
	entries, err := list(root, ".", skipped)
	if err != nil {
		return nil, err
	}
	for _, entry := range entries {
		k := byFolder[entry.Name()]
		if k == nil || !entry.IsDir() {
			return nil, fmt.Errorf("%s: not one of the folders %s", entry.Name(), folders())
		}
		files[k] = []*object{}
		inside, err := list(root, k.folder, skipped)
		if err != nil {
			return nil, err
		}
		byID := map[string]string{}
		for _, entry := range inside {
			o, err := readFile(root, k, path.Join(k.folder, entry.Name()), skipped)
			if err != nil {
				return nil, err
			}
			if other, twice := byID[o.id]; twice && o.id != "" {
				return nil, fmt.Errorf("%s: it has the same id as %s", o.file, other)
			}
			byID[o.id] = o.file
			files[k] = append(files[k], o)
		}
	}
	return files, nil
}

// noObject matches the names of notes and of backup files.
var noObject = regexp.MustCompile(`(?i)^readme|\.(md|orig|rej|bak)$|~$`)

// list returns the entries of a folder, without hidden ones and skipped files.
func list(root *os.Root, name string, skipped func(name, why string)) ([]fs.DirEntry, error) {
	entries, err := fs.ReadDir(root.FS(), name)
	var visible []fs.DirEntry
	for _, entry := range entries {
		switch {
		case strings.HasPrefix(entry.Name(), "."):
		case entry.Type().IsRegular() && path.Ext(entry.Name()) != ".json" && noObject.MatchString(entry.Name()):
			skipped(path.Join(name, entry.Name()), "not an object")
		default:
			visible = append(visible, entry)
		}
	}
	return visible, err
}

// maxFile is the maximum size of a file, in bytes.
const maxFile = 16 << 20

func readFile(root *os.Root, k *kind, name string, skipped func(name, why string)) (*object, error) {
	if path.Ext(name) != ".json" {
		return nil, fmt.Errorf("%s: not a .json file", name)
	}
	info, err := root.Stat(name) // before it is opened, since opening a FIFO waits for a writer
	switch {
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("%s: not a regular file", name)
	case info.Size() > maxFile:
		return nil, fmt.Errorf("%s: larger than %d MiB", name, maxFile>>20)
	}
	data, err := root.ReadFile(name)
	if err != nil {
		return nil, err
	}
	if rest, marked := bytes.CutPrefix(data, []byte("\ufeff")); marked {
		skipped(name, "the byte order mark at the start")
		data = rest
	}
	return parse(k, name, data)
}

// An export writes all files to the folder draft first. While it then moves them to
// their places, there is a file named unfinished. Both are hidden.
const (
	draft      = ".flows-as-code.draft"
	unfinished = ".flows-as-code.unfinished"
)

// writeFolder writes a file for each object and removes the files of deleted
// objects. It rejects a folder with other files.
func writeFolder(ctx context.Context, dir string, t *tenant, skipped func(name, why string)) (total, removed int, err error) {
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return 0, 0, err
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return 0, 0, err
	}
	defer func() { _ = root.Close() }()
	before, err := readFiles(root, skipped)
	if err != nil {
		return 0, 0, fmt.Errorf("%s has files that this program did not write: %w", dir, err)
	}
	if err := root.RemoveAll(draft); err != nil {
		return 0, 0, err
	}
	defer func() { _ = root.RemoveAll(draft) }()
	var old, written []string
	for _, k := range kinds {
		wanted := fileNames(t.objects[k])
		for _, o := range before[k] {
			if wanted[o.file] == nil {
				old = append(old, o.file)
			}
		}
		for _, folder := range []string{k.folder, path.Join(draft, k.folder)} {
			if err := root.MkdirAll(folder, 0o750); err != nil {
				return 0, 0, err
			}
		}
		for name, o := range wanted {
			if err := ctx.Err(); err != nil {
				return 0, 0, err
			}
			total++
			isNew, err := writeDraft(root, name, o.content())
			if err != nil {
				return 0, 0, err
			}
			if isNew {
				written = append(written, name)
			}
		}
	}
	if err := writeFile(root, unfinished, "An export has not finished. Run it again.\n"); err != nil {
		return 0, 0, err
	}
	// Remove files before writing: on a case-insensitive file system, removing
	// orders.json would also remove a new Orders.json.
	for _, name := range old {
		if err := root.Remove(name); err != nil {
			return 0, 0, err
		}
	}
	for _, name := range written {
		if err := root.Rename(path.Join(draft, name), name); err != nil {
			return 0, 0, err
		}
	}
	return total, len(old), root.Remove(unfinished)
}

// content returns the content of the file of an object.
func (o *object) content() string {
	f := file{ID: o.id, Object: o.body}
	if !o.space.isZero() {
		f.Space = map[string]any{"space_id": o.space.id, "space_name": o.space.name}
	}
	return encode(f)
}

// writeDraft writes the draft of a file, unless the file has that content.
func writeDraft(root *os.Root, name, content string) (isNew bool, err error) {
	if data, err := root.ReadFile(name); err == nil && string(data) == content {
		return false, nil
	}
	temp := path.Join(draft, name)
	if err := writeFile(root, temp, content); err != nil {
		return false, err
	}
	if info, err := root.Stat(name); err == nil {
		return true, root.Chmod(temp, info.Mode().Perm())
	}
	return true, nil
}

func writeFile(root *os.Root, name, text string) error {
	f, err := root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	return errors.Join(err, f.Sync(), f.Close())
}

const (
	small   = "abcdefghijklmnopqrstuvwxyz0123456789-_"
	plain   = small + "ABCDEFGHIJKLMNOPQRSTUVWXYZ. "
	maxName = 150 // bytes; leaves room for an id within the 255 bytes of file systems
)

// device matches names that are reserved on Windows, with any extension.
var device = regexp.MustCompile(`(?i)^(con|prn|aux|nul|com\d|lpt\d)(\.|$)`)

// fileNames returns the objects of one kind by file name. A file is named after
// its object. The id is appended if the name is empty or too long, or if several
// objects have it on a case-insensitive file system.
func fileNames(objects []*object) map[string]*object {
	taken := map[string]int{}
	for _, o := range objects {
		taken[strings.ToLower(baseName(o))]++
	}
	files := map[string]*object{}
	for _, o := range objects {
		base := baseName(o)
		if base == "" || len(base) > maxName || taken[strings.ToLower(base)] > 1 {
			base = base[:min(len(base), maxName)] + "@" + escape(o.id, small)
		}
		files[path.Join(o.kind.folder, base+".json")] = o
	}
	return files
}

// baseName returns the escaped name of an object.
func baseName(o *object) string {
	base := escape(o.name, plain)
	if device.MatchString(base) {
		base = fmt.Sprintf("%%%02X%s", base[0], base[1:])
	}
	return base
}

// escape percent-encodes all bytes that are not in plain, and a leading dot or
// space. It also encodes "@", which separates a name from an id.
func escape(text, plain string) string {
	var b strings.Builder
	for i, c := range []byte(text) {
		if strings.IndexByte(plain, c) < 0 || i == 0 && (c == '.' || c == ' ') {
			fmt.Fprintf(&b, "%%%02X", c)
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}
