package apono_test

import (
	"go/ast"
	"go/types"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/apono-go/apono/internal/check"
)

// A token that was used to record a fixture stays in the history for good, and
// whoever clones the repository has it.
func TestNoFileHoldsAToken(t *testing.T) {
	t.Parallel()
	token := regexp.MustCompile("aup" + `_[A-Za-z0-9]{6,}`)
	check.True(t, token.MatchString("aup"+"_0123456789"), "the pattern to find a token")
	files := 0
	err := filepath.WalkDir(".", func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && entry.Name() == ".git":
			return filepath.SkipDir
		case !entry.Type().IsRegular():
			return nil
		}
		files++
		data, err := os.ReadFile(path)
		if token.Match(data) {
			t.Errorf("%s holds what looks like a token of Apono's", path)
		}
		return err
	})
	check.NoError(t, err)
	check.True(t, files > 50, "the files of the repository, got %d", files)
}

// A module that dependabot does not know grows old unseen.
func TestDependabotKnowsEveryModule(t *testing.T) {
	t.Parallel()
	config, err := os.ReadFile(".github/dependabot.yml")
	check.NoError(t, err)
	modules := 0
	err = filepath.WalkDir(".", func(file string, entry fs.DirEntry, err error) error {
		if err == nil && entry.Name() == "go.mod" {
			modules++
			check.Contains(t, string(config), "\n      - "+path.Join("/", filepath.ToSlash(filepath.Dir(file)))+"\n")
		}
		return err
	})
	check.NoError(t, err)
	check.True(t, modules >= 5, "all modules, found %d", modules)
}

// What has no comment is what users have to guess.
func TestEveryExportedNameHasAComment(t *testing.T) {
	t.Parallel()
	names := 0
	for _, dir := range []string{".", "aponotest"} {
		own := func(path string) bool {
			return filepath.Dir(path) == dir && strings.HasSuffix(path, ".go") && !strings.HasSuffix(path, "_test.go")
		}
		for _, declaration := range declarations(t, dir, own) {
			for name, documented := range comments(declaration) {
				names++
				check.True(t, documented, "a comment of %s in %s", name, dir)
			}
		}
	}
	check.True(t, names > 600, "all names, found %d", names)
}

// comments tells of the exported names that a declaration makes, methods
// included, whether they have a comment. Fields have one where their name and
// type leave something to say.
func comments(declaration ast.Decl) map[string]bool {
	found := map[string]bool{}
	note := func(names []*ast.Ident, docs ...*ast.CommentGroup) {
		for _, name := range names {
			if name.IsExported() {
				found[name.Name] = slices.ContainsFunc(docs, func(doc *ast.CommentGroup) bool { return doc.Text() != "" })
			}
		}
	}
	switch d := declaration.(type) {
	case *ast.FuncDecl:
		if d.Recv == nil || ast.IsExported(strings.TrimLeft(types.ExprString(d.Recv.List[0].Type), "*")) {
			note([]*ast.Ident{d.Name}, d.Doc)
		}
	case *ast.GenDecl:
		for _, spec := range d.Specs {
			switch s := spec.(type) {
			case *ast.ValueSpec:
				note(s.Names, s.Doc, s.Comment, d.Doc)
			case *ast.TypeSpec:
				note([]*ast.Ident{s.Name}, s.Doc, d.Doc)
			}
		}
	}
	return found
}
