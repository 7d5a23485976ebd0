package aponotest

var (
	attributeSchema = objectOf(map[string]field{
		"type": required(text), "value": required(text), "source_id": optional(text),
	}).with(sourceRead)
	attributeResource = &resource{
		collection: Attributes, noun: "attribute", schema: attributeSchema, keyless: true,
		filters: []filter{
			{param: "search", field: "value", pattern: true},
			{param: "type", field: "type"},
			{param: "source_integration_reference", field: "source_integration_id", orField: "source_integration_name"},
		},
	}
)
