"""Settings: where customers and products are."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, SecretStr, field_validator

from pipeline_core.addresses.database_url import (
    check_database_host,
    check_database_name,
    check_database_url,
    check_database_user,
    database_url,
)
from pipeline_core.configuration.dimension_tables import (
    CUSTOMER_COLUMNS,
    CUSTOMERS,
    PRODUCT_COLUMNS,
    PRODUCTS,
    DimensionTable,
    parse_columns,
)
from pipeline_core.configuration.places import check_dimensions, home_expanded
from pipeline_core.settings.group import SettingGroup


class DimensionSettings(SettingGroup):
    """Where customers and products are."""

    dimensions: str | None = Field(
        None,
        description="Folder with customers and products (.csv or .parquet), or plugin:NAME.",
    )
    database_url: SecretStr | None = Field(
        None, description="postgresql:// URL; takes the place of the five settings below."
    )
    db_host: str = Field(
        "localhost", description="PostgreSQL host: a name, an address, or a socket's folder."
    )
    db_port: int = Field(
        5432,
        description="PostgreSQL port; compose offers its own on it, on this machine.",
        ge=1,
        le=65535,
    )
    db_user: str = Field("myuser", description="PostgreSQL user; needs SELECT only.")
    db_password: SecretStr = Field(SecretStr("mypassword"), description="PostgreSQL password.")
    db_name: str = Field("ecommerce_db", description="PostgreSQL database.")

    customers: str = Field(
        "customers",
        description="Table or view of customers (schema.table), or a SELECT; in a folder a file "
        "without its ending.",
    )
    products: str = Field("products", description="The same of products.")
    customer_columns: str | None = Field(
        None,
        description="What customer_id, segment, and valid_from and valid_to if there are any, are "
        "called there: customer_id=client no,...",
    )
    product_columns: str | None = Field(
        None,
        description="The same of product_id, category, price, valid_from and valid_to: "
        "product_id=article,...",
    )

    price_history: Literal["off", "keep"] = Field(
        "off",
        description="keep: a change of a product's price or category counts from the day of the "
        "plan that sees it, and the days before keep theirs.",
    )

    @field_validator("customer_columns")
    @classmethod
    def _of_customers(cls, value: str | None) -> str | None:
        parse_columns(value or "", CUSTOMER_COLUMNS)
        return value

    @field_validator("product_columns")
    @classmethod
    def _of_products(cls, value: str | None) -> str | None:
        parse_columns(value or "", PRODUCT_COLUMNS)
        return value

    @field_validator("dimensions")
    @classmethod
    def _local_folder(cls, value: str | None) -> str | None:
        if value is None:
            return None
        check_dimensions(value)
        return home_expanded(value)

    @field_validator("database_url")
    @classmethod
    def _of_postgresql(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None:
            check_database_url(value.get_secret_value())
        return value

    @field_validator("db_host")
    @classmethod
    def _only_a_host(cls, value: str) -> str:
        check_database_host(value)
        return value

    @field_validator("db_user")
    @classmethod
    def _only_a_user(cls, value: str) -> str:
        check_database_user(value)
        return value

    @field_validator("db_name")
    @classmethod
    def _only_a_name(cls, value: str) -> str:
        check_database_name(value)
        return value

    def chosen_database_url(self) -> SecretStr:
        """The database URL as given, or put together from host, port, user, password and name."""
        if self.database_url is not None:
            return self.database_url
        password = self.db_password.get_secret_value()
        return SecretStr(
            database_url(self.db_host, self.db_port, self.db_user, password, self.db_name)
        )

    def customer_table(self) -> DimensionTable:
        """What the shop calls its customers."""
        columns = parse_columns(self.customer_columns or "", CUSTOMER_COLUMNS)
        return CUSTOMERS.called(self.customers, columns)

    def product_table(self) -> DimensionTable:
        """What the shop calls its products."""
        columns = parse_columns(self.product_columns or "", PRODUCT_COLUMNS)
        return PRODUCTS.called(self.products, columns)
