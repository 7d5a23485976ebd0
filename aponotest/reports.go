package aponotest

var (
	writeReportSchema = objectOf(map[string]field{
		"name": required(text), "fields": optional(texts), "format": optional(text),
		"filters": required(objectOf(map[string]field{
			"requestor_source_ids": optional(texts), "grantee_source_ids": optional(texts),
			"grantee_identity_types": optional(texts), "integration_ids": optional(texts), "permission_names": optional(texts),
			"resource_ids": optional(texts), "resource_types": optional(texts), "statuses": optional(texts),
			"trigger_types": optional(texts), "access_flow_ids": optional(texts),
		})),
		"timeframe": required(oneOf(map[string]field{
			"absolute": optional(objectOf(map[string]field{"start_date": required(instant), "end_date": required(instant)})),
			"relative": optional(objectOf(map[string]field{
				"last": required(int32s), "unit": required(text), "rounded": required(boolean),
			})),
		})),
		"schedule": optional(objectOf(map[string]field{"cron_expression": required(text), "recipients": required(texts)})),
	})
	reportSchema = writeReportSchema.with(map[string]field{
		"id": required(text), "creation_date": required(instant), "update_date": required(instant),
	})
	reportResource = &resource{
		collection: Reports, noun: "activity report", schema: reportSchema,
		create: writeReportSchema, update: writeReportSchema, filters: nameFilter,
		deleted: object{"message": "The activity report was deleted"},
	}
)

var reportRoutes = reportResource.routes("Reports", "List", "Get", "Create", "Update", "Delete")
