package main

import (
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const source = `package sample

import "io"

const (
	Name        = "na\"me"
	Big  uint64 = 1 << 63
	hidden      = 1
)

type Status string

const Active Status = "ACTIVE"

var ErrAny error

func Map[K comparable, V any](in map[K]V, f func(V) (V, error), rest ...io.Reader) (out map[K]V, err error) { return nil, nil }

func Pair[T any](T) (T, bool) { panic(0) }

func private() {}

type base struct{ hidden int }

func (base) Promoted() int { return 0 }
func (base) private()      {}

type Inner struct{}

type Page[T any] struct {
	Inner
	base
	Items []*T "json:\"items\""
	Token string
	own   int
	more  int
}

func (p *Page[T]) Next(limit int) (*Page[T], error) { return nil, nil }
func (p Page[T]) Len() int                         { return 0 }

type Reader interface {
	io.Reader
	Peek(n int) byte
}

type Texts = []string

type Func func(Status) error
`

const want = `const Active Status = "ACTIVE"
const Big uint64 = 9223372036854775808
const Name untyped string = "na\"me"
func Map[K comparable, V any](in map[K]V, f func(V) (V, error), rest ...io.Reader) (out map[K]V, err error)
func Pair[T any](T) (T, bool)
method (*Page) Next(limit int) (*Page[T], error)
method (Page) Len() int
method (Page) Promoted() int
type Func func(Status) error
type Inner struct
type Page[T any] struct
type Page[T any] struct, Inner Inner embedded
type Page[T any] struct, Items []*T ` + "`" + `json:"items"` + "`" + `
type Page[T any] struct, Token string
type Page[T any] struct, unexported fields
type Reader interface{Peek(n int) byte; io.Reader}
type Status string
type Texts = []string
var ErrAny error`

func TestDeclarations(t *testing.T) {
	t.Parallel()
	files := token.NewFileSet()
	file, err := parser.ParseFile(files, "sample.go", source, 0)
	if err != nil {
		t.Fatal(err)
	}
	config := types.Config{Importer: importer.ForCompiler(files, "source", nil)}
	pkg, err := config.Check("sample", files, []*ast.File{file}, nil)
	if err != nil {
		t.Fatal(err)
	}
	expected := strings.Split(want, "\n")
	if lines := difference(expected, declarations(pkg)); len(lines) > 0 {
		t.Errorf("the lines differ:\n%s", strings.Join(lines, "\n"))
	}
}

func TestDifference(t *testing.T) {
	t.Parallel()
	got := difference([]string{"a", "b", "d(int)", "e"}, []string{"a", "c", "d(string)", "e", "f"})
	if want := []string{"-b", "+c", "-d(int)", "+d(string)", "+f"}; !slices.Equal(got, want) {
		t.Errorf("expected %q, got %q", want, got)
	}
	if got := difference([]string{"a"}, []string{"a"}); len(got) > 0 {
		t.Errorf("expected no difference, got %q", got)
	}
}

// The check must report lines that the record lacks and lines that the API lacks.
func TestRunReportsChange(t *testing.T) {
	t.Parallel()
	root := filepath.Join("..", "..")
	folder := t.TempDir()
	if err := run(true, root, folder); err != nil {
		t.Fatal(err)
	}
	if err := run(false, root, folder); err != nil {
		t.Fatalf("comparing with the new record: %v", err)
	}
	path := filepath.Join(folder, "apono.txt")
	recorded, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for name, changed := range map[string]string{
		"removed": string(recorded) + "var ZGone error\n",
		"new":     strings.Replace(string(recorded), "var ErrNotFound error\n", "", 1),
		"changed": strings.Replace(string(recorded), "func TokenRejected(ctx context.Context) bool\n", "func TokenRejected(ctx context.Context) error\n", 1),
	} {
		if changed == string(recorded) {
			t.Errorf("%s: the record does not have the line to change", name)
		}
		if err := os.WriteFile(path, []byte(changed), 0o600); err != nil {
			t.Fatal(err)
		}
		if run(false, root, folder) == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
