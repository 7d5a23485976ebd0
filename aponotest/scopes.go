package aponotest

var (
	writeScopeSchema = objectOf(map[string]field{"name": required(text), "description": optional(text), "query": required(text)})
	scopeSchema      = writeScopeSchema.with(map[string]field{
		"id": required(text), "creation_date": required(instant), "update_date": required(instant),
		"space": added(optional(spaceReferenceSchema)),
	})
	scopeResource = &resource{
		collection: Scopes, noun: "access scope", schema: scopeSchema,
		create: writeScopeSchema, update: writeScopeSchema, filters: append(nameFilter[:1:1], spaceFilter), spaced: true,
	}
)
