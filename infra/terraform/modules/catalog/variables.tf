variable "folder" {
  description = "Folder of functions: one folder per function with a function.yaml, and defaults.yaml beside them."
  type        = string

  validation {
    condition     = fileexists("${var.folder}/defaults.yaml")
    error_message = "There is no defaults.yaml in the folder; expected the folder of functions of a checkout."
  }
}
