package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"regexp"
	"strings"
)

// folder holds the objects in files. Kinds without a folder have no entry.
type folder map[*kind][]*object

// file is the content of a file.
type file struct {
	ID     string         `json:"id,omitempty"`
	Space  string         `json:"space,omitempty"` // an id or a name
	Object map[string]any `json:"object"`
}

// readFolder reads all files and rejects a folder with an invalid one. It ignores
// names that begin with a dot, such as .git. It calls skipped for other files, or
// parts of files, that it does not read.
func readFolder(dir string, skipped func(name, why string)) (folder, error) {
	root, err := os.OpenRoot(dir) // does not follow links out of the folder
	if err != nil {
		return nil, err
	}
	defer func() { _ = root.Close() }()
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

func readFile(root *os.Root, k *kind, name string, skipped func(name, why string)) (*object, error) {
	reject := func(err error) (*object, error) { return nil, fmt.Errorf("%s: %w", name, err) }
	if path.Ext(name) != ".json" {
		return reject(errors.New("not a .json file"))
	}
	data, err := root.ReadFile(name)
	if err != nil {
		return nil, err
	}
	if rest, marked := bytes.CutPrefix(data, []byte("\ufeff")); marked {
		skipped(name, "the byte order mark at the start")
		data = rest
	}
	var f file
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.UseNumber() // keeps all digits
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&f); err != nil {
		return reject(err)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return reject(errors.New("unexpected data after the JSON object"))
	}
	// Check the types of known members now, so that apply does not fail halfway.
	if err := json.Unmarshal([]byte(encode(f.Object)), k.input()); err != nil {
		return reject(err)
	}
	o := &object{kind: k, id: f.ID, name: text(f.Object["name"]), space: f.Space, body: f.Object, file: name}
	if strings.TrimSpace(o.name) == "" {
		return reject(errors.New("the object has no name"))
	}
	if o.space != "" && !k.spaced {
		return reject(fmt.Errorf("a %s cannot be in a space", k.noun))
	}
	o.complete()
	return o, nil
}

// writeFolder writes a file for each object and removes the files of deleted
// objects. It rejects a folder with other files.
func writeFolder(dir string, t *tenant, skipped func(name, why string)) (total, removed int, err error) {
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
	for _, k := range kinds {
		wanted := fileNames(t.objects[k])
		// Remove files before writing: on a case-insensitive file system,
		// removing orders.json would also remove a new Orders.json.
		for _, o := range before[k] {
			if wanted[o.file] == nil {
				removed++
				if err := root.Remove(o.file); err != nil {
					return 0, 0, err
				}
			}
		}
		if err := root.MkdirAll(k.folder, 0o750); err != nil {
			return 0, 0, err
		}
		for name, o := range wanted {
			total++
			if err := writeFile(root, name, encode(file{o.id, o.space, o.body})); err != nil {
				return 0, 0, err
			}
		}
	}
	return total, removed, nil
}

// draft is the name of a file until it is complete. It is hidden, so that a file
// left by a killed program is ignored, and replaced by the next run.
const draft = ".flows-as-code.draft"

// writeFile writes a file completely or not at all, also if the program is killed.
func writeFile(root *os.Root, name, text string) error {
	temp := path.Join(path.Dir(name), draft)
	if err := root.Remove(temp); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	f, err := root.OpenFile(temp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	if err = errors.Join(err, f.Sync(), f.Close()); err == nil {
		err = root.Rename(temp, name)
	}
	if err != nil {
		_ = root.Remove(temp)
	}
	return err
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
