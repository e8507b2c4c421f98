variable "pipeline" {
  description = "Cloud Build's triggers: the connected repository and its branch, the image that steps run in by its digest, whether commits are checked in this project, whether a deployment waits for a person, for how long new revisions are watched, who may start a deployment from the environment before, and who comes next as PROJECT/REGION/TRIGGER. Null: none."
  type = object({
    repository    = string
    branch        = optional(string, "main")
    builder       = string
    checks        = optional(bool, false)
    approval      = bool
    watch_seconds = optional(number, 900)
    started_by    = optional(string)
    next          = optional(string, "")
  })
  default = null

  validation {
    condition     = can(regex("@sha256:[0-9a-f]{64}$", var.pipeline == null ? "@sha256:${sha256("")}" : var.pipeline.builder))
    error_message = "The image that steps run in is named by its digest: expected IMAGE@sha256:..."
  }
}
