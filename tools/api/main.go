// Command api compares the exported API of packages apono, aponotest and webhook with the one
// recorded in .ci/api. The record has one line for each declaration, sorted.
//
//	GOTOOLCHAIN=go1.27.4 go run -C tools ./api           compare
//	GOTOOLCHAIN=go1.27.4 go run -C tools ./api -record   record
//
// The command requires one release of Go with default settings, because the package has
// more methods under other releases.
package main

import (
	"cmp"
	"errors"
	"flag"
	"fmt"
	"go/importer"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
)

// release is the release of Go with which the API is recorded.
const release = "go1.27"

// module is the module of the packages that users import.
const module = "github.com/apono-go/apono"

var packages = []string{module, module + "/aponotest", module + "/webhook"}

func main() {
	record := flag.Bool("record", false, "record the API")
	flag.Parse()
	if err := run(*record, "..", filepath.Join("..", ".ci", "api")); err != nil {
		fmt.Fprintln(os.Stderr, "api:", err)
		os.Exit(1)
	}
}

// run records the API of the module in root in a folder, or compares it with the record.
func run(record bool, root, folder string) error {
	if version := runtime.Version(); version != release && !strings.HasPrefix(version, release+".") {
		return fmt.Errorf("the API is recorded with %s, not %s: set GOTOOLCHAIN", release, version)
	}
	load, err := exports(root, packages...)
	if err != nil {
		return err
	}
	changed := false
	for _, path := range packages {
		pkg, err := load.Import(path)
		if err != nil {
			return err
		}
		file := filepath.Join(folder, pkg.Name()+".txt")
		lines := declarations(pkg)
		if record {
			if err := os.WriteFile(file, []byte(strings.Join(lines, "\n")+"\n"), 0o600); err != nil {
				return err
			}
			continue
		}
		recorded, err := os.ReadFile(file) //nolint:gosec // named after a package
		if err != nil {
			return err
		}
		for _, line := range difference(strings.Split(strings.TrimSuffix(string(recorded), "\n"), "\n"), lines) {
			changed = true
			fmt.Printf("%s: %s\n", pkg.Name(), line)
		}
	}
	if changed {
		return errors.New("the exported API differs from the record: if this is intended, run with -record")
	}
	return nil
}

// exports returns an importer of packages and their imports, which it compiles in the
// module in root.
func exports(root string, paths ...string) (types.Importer, error) {
	cmd := exec.Command("go", append([]string{"list", "-export", "-deps", "-f", "{{.ImportPath}}\t{{.Export}}"}, paths...)...) //nolint:gosec,noctx // paths are constants
	cmd.Dir, cmd.Stderr = root, os.Stderr
	cmd.Env = append(os.Environ(), "GOEXPERIMENT=")
	list, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("go list: %w", err)
	}
	files := map[string]string{}
	for line := range strings.Lines(string(list)) {
		path, file, _ := strings.Cut(strings.TrimSpace(line), "\t")
		files[path] = file
	}
	return importer.ForCompiler(token.NewFileSet(), "gc", func(path string) (io.ReadCloser, error) {
		return os.Open(files[path]) //nolint:gosec // from go list
	}), nil
}

// declarations returns a line for each exported declaration of a package.
func declarations(pkg *types.Package) []string {
	// Names are qualified with the name of their package, except in pkg.
	qualifier := func(p *types.Package) string {
		if p == pkg {
			return ""
		}
		return p.Name()
	}
	var lines []string
	add := func(format string, args ...any) {
		lines = append(lines, resultName.ReplaceAllString(fmt.Sprintf(format, args...), ""))
	}
	for _, name := range pkg.Scope().Names() {
		object := pkg.Scope().Lookup(name)
		line := types.ObjectString(object, qualifier)
		if !object.Exported() {
			continue
		}
		if constant, ok := object.(*types.Const); ok {
			add("%s = %s", line, constant.Val().ExactString())
			continue
		}
		structure, isStruct := object.Type().Underlying().(*types.Struct)
		typeName, isType := object.(*types.TypeName)
		if !isType || !isStruct || typeName.IsAlias() {
			add("%s", line)
		} else {
			line = line[:strings.Index(line, " struct{")] + " struct"
			add("%s", line)
			for i := range structure.NumFields() {
				field := structure.Field(i)
				if !field.Exported() {
					add("%s, unexported fields", line) // once for any number of them
					continue
				}
				text := field.Name() + " " + types.TypeString(field.Type(), qualifier)
				if field.Embedded() {
					text += " embedded"
				}
				if tag := structure.Tag(i); tag != "" {
					text += " `" + tag + "`"
				}
				add("%s, %s", line, text)
			}
		}
		if !isType || typeName.IsAlias() || types.IsInterface(object.Type()) {
			continue // the type of an interface includes its methods
		}
		values := types.NewMethodSet(object.Type())
		for method := range types.NewMethodSet(types.NewPointer(object.Type())).Methods() {
			receiver := "*" + name
			if values.Lookup(pkg, method.Obj().Name()) != nil {
				receiver = name
			}
			if method.Obj().Exported() {
				signature := types.TypeString(method.Obj().Type(), qualifier)
				add("method (%s) %s%s", receiver, method.Obj().Name(), strings.TrimPrefix(signature, "func"))
			}
		}
	}
	slices.Sort(lines)
	return slices.Compact(lines)
}

// resultName matches the names that the compiler gives to unnamed results.
var resultName = regexp.MustCompile(`#rv\d+ `)

// difference returns the lines that only one of two sorted lists has, in order. Lines
// of before have a minus in front, lines of after a plus.
func difference(before, after []string) []string {
	var lines []string
	for _, line := range before {
		if _, found := slices.BinarySearch(after, line); !found {
			lines = append(lines, "-"+line)
		}
	}
	for _, line := range after {
		if _, found := slices.BinarySearch(before, line); !found {
			lines = append(lines, "+"+line)
		}
	}
	slices.SortStableFunc(lines, func(a, b string) int { return cmp.Compare(a[1:], b[1:]) })
	return lines
}
