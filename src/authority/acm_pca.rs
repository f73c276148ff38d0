//! AWS Private CA.
