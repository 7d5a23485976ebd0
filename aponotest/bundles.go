package aponotest

var (
	bundleFields = map[string]field{"name": required(text), "description": added(optional(text))}
	bundleSchema = objectOf(bundleFields).with(map[string]field{
		"id": required(text), "creation_date": required(instant), "update_date": required(instant),
		"access_targets": required(listOf(oneOf(only(targetsRead, "integration", "access_scope", "query_target")))),
		"space":          added(optional(spaceReferenceSchema)),
	})
	writeBundleSchema = objectOf(bundleFields).with(map[string]field{
		"access_targets": required(listOf(oneOf(only(targetsWrite, "integration", "access_scope", "query_target")))),
	})
	bundleResource = &resource{
		collection: Bundles, noun: "bundle", schema: bundleSchema,
		create: writeBundleSchema, update: writeBundleSchema, filters: append(nameFilter[:1:1], spaceFilter), sharesNames: true, spaced: true,
	}
)
