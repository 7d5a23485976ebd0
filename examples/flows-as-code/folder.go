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

// folder are the objects of files. A kind without a folder is not in it.
type folder map[*kind][]*object

// file is what a file holds.
type file struct {
	ID string `json:"id,omitempty"`
	// Space is the id or the name of the object's space.
	Space  string         `json:"space,omitempty"`
	Object map[string]any `json:"object"`
}

// readFolder reads all files, and rejects a folder in which anything makes no
// sense. Names that begin with a dot, such as .git, are not looked at. What it
// passes over it says.
func readFolder(dir string, passed func(name, why string)) (folder, error) {
	root, err := os.OpenRoot(dir) // no symbolic link leads out of it
	if err != nil {
		return nil, err
	}
	defer func() { _ = root.Close() }()
	files, err := readFiles(root, passed)
	if err == nil && len(files) == 0 {
		err = fmt.Errorf("%s: it has none of the folders %s", dir, folders())
	}
	return files, err
}

func readFiles(root *os.Root, passed func(name, why string)) (folder, error) {
	byFolder := map[string]*kind{}
	for _, k := range kinds {
		byFolder[k.folder] = k
	}
	files := folder{}
	entries, err := list(root, ".", passed)
	if err != nil {
		return nil, err
	}
	for _, entry := range entries {
		k := byFolder[entry.Name()]
		if k == nil || !entry.IsDir() {
			return nil, fmt.Errorf("%s: it is none of the folders %s", entry.Name(), folders())
		}
		files[k] = []*object{}
		inside, err := list(root, k.folder, passed)
		if err != nil {
			return nil, err
		}
		byID := map[string]string{}
		for _, entry := range inside {
			o, err := readFile(root, k, path.Join(k.folder, entry.Name()), passed)
			if err != nil {
				return nil, err
			}
			if other, twice := byID[o.id]; twice && o.id != "" {
				return nil, fmt.Errorf("%s: it has the id of %s", o.file, other)
			}
			byID[o.id] = o.file
			files[k] = append(files[k], o)
		}
	}
	return files, nil
}

// noObject are names of files that stand beside those of objects: notes for
// people, and what editors and merges leave behind.
var noObject = regexp.MustCompile(`(?i)^readme|\.(md|orig|rej|bak)$|~$`)

// list lists what is in a folder and not hidden.
func list(root *os.Root, name string, passed func(name, why string)) ([]fs.DirEntry, error) {
	entries, err := fs.ReadDir(root.FS(), name)
	var visible []fs.DirEntry
	for _, entry := range entries {
		switch {
		case strings.HasPrefix(entry.Name(), "."):
		case entry.Type().IsRegular() && path.Ext(entry.Name()) != ".json" && noObject.MatchString(entry.Name()):
			passed(path.Join(name, entry.Name()), "it is no object")
		default:
			visible = append(visible, entry)
		}
	}
	return visible, err
}

func readFile(root *os.Root, k *kind, name string, passed func(name, why string)) (*object, error) {
	refuse := func(err error) (*object, error) { return nil, fmt.Errorf("%s: %w", name, err) }
	if path.Ext(name) != ".json" {
		return refuse(errors.New("it is no .json file"))
	}
	data, err := root.ReadFile(name)
	if err != nil {
		return nil, err
	}
	if rest, marked := bytes.CutPrefix(data, []byte("\ufeff")); marked {
		passed(name, "the byte order mark at its start")
		data = rest
	}
	var f file
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.UseNumber() // a float would change large ones
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&f); err != nil {
		return refuse(err)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return refuse(errors.New("something follows after its JSON"))
	}
	// What the SDK knows must be of the right type, or the plan would fail
	// halfway through.
	if err := json.Unmarshal([]byte(encode(f.Object)), k.input()); err != nil {
		return refuse(err)
	}
	o := &object{kind: k, id: f.ID, name: text(f.Object["name"]), space: f.Space, body: f.Object, file: name}
	if strings.TrimSpace(o.name) == "" {
		return refuse(errors.New("its object has no name"))
	}
	if o.space != "" && !k.spaced {
		return refuse(fmt.Errorf("a %s is in no space", k.noun))
	}
	o.complete()
	return o, nil
}

// writeFolder writes a file for each object, and removes the files of objects
// that are gone. A folder that holds something else is rejected.
func writeFolder(dir string, t *tenant, passed func(name, why string)) (total, removed int, err error) {
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return 0, 0, err
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return 0, 0, err
	}
	defer func() { _ = root.Close() }()
	before, err := readFiles(root, passed)
	if err != nil {
		return 0, 0, fmt.Errorf("%s holds what this program did not write: %w", dir, err)
	}
	for _, k := range kinds {
		wanted := fileNames(t.objects[k])
		// They go first: where letter case makes no difference, removing
		// orders.json would remove Orders.json, too.
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

// draft is what a file is called until it is whole. A hidden one that a killed
// program left is not looked at, and the next one takes its place.
const draft = ".flows-as-code.draft"

// writeFile writes a file whole or not at all, however the program ends.
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
	small = "abcdefghijklmnopqrstuvwxyz0123456789-_"
	plain = small + "ABCDEFGHIJKLMNOPQRSTUVWXYZ. "
	// maxName leaves room for an id below the 255 bytes of most file systems.
	maxName = 150
)

// device are names that Windows keeps for itself, with any extension.
var device = regexp.MustCompile(`(?i)^(con|prn|aux|nul|com\d|lpt\d)(\.|$)`)

// fileNames names the files of objects of one kind after the objects. Where that
// is not one name for one object, be it that letter case makes no difference to
// the file system, the id is appended.
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

func baseName(o *object) string {
	base := escape(o.name, plain)
	if device.MatchString(base) {
		base = fmt.Sprintf("%%%02X%s", base[0], base[1:])
	}
	return base
}

// escape escapes what is not plain, and what hides a file at its start. It
// leaves no "@", so that no name looks like one with an id.
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
