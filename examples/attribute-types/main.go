// Command attribute-types prints the types of identity attributes that access
// flows can use in conditions.
//
// With -demo, it uses a fake server with demo data instead of Apono.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"github.com/apono-go/apono"
	"github.com/apono-go/apono/examples/internal/program"
)

func main() { program.Main("attribute-types", run) }

const about = `Prints the types of identity attributes that access flows can use in conditions,
sorted, one per line. Types are case-sensitive.`

// attributeType is an element of the output of -json -count.
type attributeType struct {
	Type   string `json:"type"`
	Values int    `json:"values"`
}

func run(ctx context.Context, p *program.Program) error {
	source := p.Flags.String("source", "", "print only attributes from this `integration`, an id or a name")
	asJSON := p.Flags.Bool("json", false, "print a JSON array")
	count := p.Flags.Bool("count", false, "print after each type a tab and the number of its distinct values")
	p.Examples = []string{
		`attribute-types -demo -count`,
		`attribute-types -source okta -json`,
	}
	if err := p.Parse(about); err != nil {
		return err
	}

	client, disconnect, err := p.Connect(nil)
	if err != nil {
		return err
	}
	defer disconnect()

	progress, read := p.Progress(), 0
	values := map[string]map[string]bool{}
	for attribute, err := range client.Attributes.ListAll(ctx, apono.ListAttributesOptions{SourceIntegrationReference: *source}) {
		if err != nil {
			progress("")
			return err
		}
		if values[attribute.Type] == nil {
			values[attribute.Type] = map[string]bool{}
		}
		values[attribute.Type][attribute.Value] = true
		read++
		progress("%s", program.Plural(read, "attribute"))
	}
	progress("")

	types := slices.Sorted(maps.Keys(values))
	counted := make([]attributeType, len(types))
	for i, name := range types {
		counted[i] = attributeType{name, len(values[name])}
	}
	switch {
	case *asJSON && *count:
		return json.NewEncoder(p.Stdout).Encode(counted)
	case *asJSON:
		// Encode a nil slice as an empty array.
		return json.NewEncoder(p.Stdout).Encode(append([]string{}, types...))
	case len(types) == 0:
		fmt.Fprintln(p.Stderr, "No attributes found.")
	}
	for _, t := range counted {
		line := t.Type
		if *count {
			line = fmt.Sprintf("%s\t%d", t.Type, t.Values)
		}
		if _, err := fmt.Fprintln(p.Stdout, line); err != nil {
			return err
		}
	}
	return nil
}
