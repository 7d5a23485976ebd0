package e2e_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/apono-go/apono/internal/apitest"
	"github.com/stretchr/testify/require"
)

// TestReadmeSnippetsCompile builds and tests every Go block of the README in a new
// module: programs and test files unchanged, and fragments as the body of a function.
func TestReadmeSnippetsCompile(t *testing.T) {
	t.Parallel()
	readme, err := os.ReadFile(apitest.Path("README.md"))
	require.NoError(t, err)
	snippets := regexp.MustCompile("(?s)```go\n(.*?)```").FindAllStringSubmatch(string(readme), -1)
	require.GreaterOrEqualf(t, len(snippets), 4, "only %d snippets", len(snippets))

	module := userModule(t)
	for i, snippet := range snippets {
		name, code := "main.go", snippet[1]
		switch {
		case strings.Contains(code, "testing.T"):
			name = "snippet_test.go"
		case !strings.HasPrefix(code, "package "):
			name, code = "snippet.go", inFunction(code)
		}
		dir := filepath.Join(module, fmt.Sprintf("snippet%d", i))
		require.NoError(t, os.Mkdir(dir, 0o755))
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(code), 0o600))
	}
	goCommand(t, module, "vet", "./...")
	goCommand(t, module, "test", "./...")
}

// TestUserGetsThreeDependencies checks that programs that import the package are not
// built with the dependencies of its tests and examples.
func TestUserGetsThreeDependencies(t *testing.T) {
	t.Parallel()
	module := userModule(t)
	program := "package main\n\nimport _ \"github.com/apono-go/apono\"\n\nfunc main() {}\n"
	require.NoError(t, os.WriteFile(filepath.Join(module, "main.go"), []byte(program), 0o600))
	built := goCommand(t, module, "list", "-deps", "-f", "{{with .Module}}{{.Path}}{{end}}", ".")
	for path := range strings.FieldsSeq(built) {
		switch path {
		case "example.com/user", "github.com/apono-go/apono", "github.com/google/go-querystring", "github.com/go-json-experiment/json",
			"github.com/hashicorp/go-retryablehttp", "github.com/hashicorp/go-cleanhttp":
		default:
			t.Errorf("a user's program is built with %s", path)
		}
	}
}

// userModule creates a module that requires this one with a replace directive.
func userModule(t *testing.T) string {
	t.Helper()
	root := apitest.Path(".")
	goMod, err := os.ReadFile(apitest.Path("go.mod"))
	require.NoError(t, err)
	goSum, err := os.ReadFile(apitest.Path("go.sum"))
	require.NoError(t, err)
	_, requirements, _ := strings.Cut(string(goMod), "\ngo ")
	module := t.TempDir()
	text := "module example.com/user\n\ngo " + requirements +
		"\nrequire github.com/apono-go/apono v0.0.0\n\nreplace github.com/apono-go/apono => " + root + "\n"
	require.NoError(t, os.WriteFile(filepath.Join(module, "go.mod"), []byte(text), 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(module, "go.sum"), goSum, 0o600))
	return module
}

// goCommand runs the go command without a network.
func goCommand(t *testing.T, dir string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOPROXY=off", "GOFLAGS=-mod=mod", "GOWORK=off")
	out, err := cmd.CombinedOutput()
	require.NoErrorf(t, err, "go %s: %v\n%s", strings.Join(args, " "), err, out)
	return string(out)
}

func inFunction(code string) string {
	imports := ""
	for _, path := range []string{"context", "errors", "fmt", "net/http", "time", "github.com/apono-go/apono"} {
		name := path[strings.LastIndex(path, "/")+1:]
		if path == "context" || name == "apono" || strings.Contains(code, name+".") {
			imports += fmt.Sprintf("\t%q\n", path)
		}
	}
	if !strings.HasSuffix(strings.TrimSpace(code), "return err") {
		code += "return nil\n"
	}
	return "package snippet\n\nimport (\n" + imports + ")\n\n" +
		"func snippet(ctx context.Context, client *apono.Client, id string) error {\n" + code + "}\n"
}
